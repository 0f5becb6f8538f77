#!/bin/sh
# Check this bundle without labelvc:  sh verify.sh sha256:DIGEST
# DIGEST is that of the root of trust, as the project publishes it outside of this bundle.
# Needs a POSIX shell, coreutils (sha256sum, base64, sort ...), sed and ssh-keygen of OpenSSH 8.1 or newer.
# One line a check; at the end 0 when all is good, 1 when something is not, 2 when it was not asked properly.
# This script came with what it checks: read it, or take the one of a labelvc that you trust (it is in `labelvc audit bundle`).
set -u
LC_ALL=C
export LC_ALL
limit=${LIMIT:-2000} # lines of a change-set, statements of a log: more are not hashed here
pin=${1-}
case $pin in
sha256:????????????????????????????????????????????????????????????????) ;;
*)
    echo "usage: sh verify.sh sha256:DIGEST-OF-THE-ROOT (64 hexadecimal digits; ask the project, not this bundle)" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")" || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
bad=0
checks=0
in_toto=application/vnd.in-toto+json

ok() {
    checks=$((checks + 1))
    printf 'ok     %s\n' "$1"
}
wrong() {
    bad=$((bad + 1))
    printf 'WRONG  %s\n' "$1"
}
note() { printf 'note   %s\n' "$1"; }
judge() { # judge WORDS COMMAND...: one check
    words=$1
    shift
    : >"$work/blamed"
    if "$@"; then ok "$words"; else wrong "$words$(blamed)"; fi
}
blamed() { # the first files that a check is about: in the words of the tar file, so without what a terminal would obey
    [ ! -s "$work/blamed" ] || sed 's/[^A-Za-z0-9._/ -]/?/g; 1s/^/: /; 1!s/^/, /; 11s/.*/, and more/; 11q' "$work/blamed" | tr -d '\n'
}
finish() {
    if [ "$bad" -eq 0 ]; then
        printf 'GOOD: %s checks; what they do not say stands in VERIFY.md\n' "$checks"
        exit 0
    fi
    printf 'FAILED: %s wrong\n' "$bad"
    exit 1
}
digest() { sha256sum "$1" | cut -c 1-64; }
plain() { # plain TEXT: it is made of letters that names are made of
    case $1 in '' | *[!A-Za-z0-9._/@-]* | /* | *..*) return 1 ;; esac
}

# ---- every file is the one of the manifest, and no other lies here
manifest() {
    [ -f MANIFEST.sha256 ] || return 1
    [ -z "$(sed '/^[0-9a-f]\{64\}  [A-Za-z0-9_][A-Za-z0-9._/-]*$/d' MANIFEST.sha256)" ] || return 1
    [ "$(tail -c 1 MANIFEST.sha256 | od -An -tu1 | tr -d ' ')" = 10 ] || return 1
    cut -c 67- MANIFEST.sha256 >"$work/named"
    sort -c -u "$work/named" 2>"$work/said" || return 1
    case /$(tr '\n' '/' <"$work/named") in */../* | */./* | *//*) return 1 ;; esac
    for file in * .[!.]* */* */.[!.]* */*/* */*/.[!.]* */*/*/*; do
        if [ -h "$file" ] || { [ -e "$file" ] && [ ! -d "$file" ]; }; then printf '%s\n' "$file"; fi
    done | sed '/^MANIFEST\.sha256$/d' | sort -u >"$work/lying"
    sha256sum -c MANIFEST.sha256 >"$work/said" 2>&1
    found=$?
    {
        comm -23 "$work/named" "$work/lying" | sed 's/$/ is not here/'
        comm -13 "$work/named" "$work/lying" | sed 's/$/ is not in it/'
        sed -n 's/: FAILED$/ has another SHA-256/p' "$work/said"
    } | sort >"$work/blamed"
    [ "$found" -eq 0 ] && [ "$(cat "$work/named")" = "$(cat "$work/lying")" ]
}
judge 'every file is as MANIFEST.sha256 says, and there is no other' manifest
[ "$bad" -eq 0 ] || finish

for file in approvals.txt commits.txt documents.txt log.txt policies.txt population.csv releases.txt steps.txt root/1.json; do
    [ -f "$file" ] || wrong "$file is not here"
done
[ "$bad" -eq 0 ] || finish

# ---- envelopes and signatures
opened() { # opened FILE TYPE: the payload and the bytes that are signed; the signatures one a line, "keyid base64"
    rm -f "$work/payload" "$work/signed" "$work/signatures"
    one='{"keyid":"[A-Za-z0-9+\/=:._-]*","sig":"[A-Za-z0-9+\/=]*"}'
    kind=$(printf %s "$2" | sed 's/[.+]/\\&/g; s,/,\\/,g; s/\\+/+/g')
    [ "$(wc -l <"$1")" -eq 1 ] || return 1
    [ -z "$(sed "/^{\"payload\":\"[A-Za-z0-9+\\/=]*\",\"payloadType\":\"$kind\",\"signatures\":\\[$one\\(,$one\\)*\\]}\$/d" "$1")" ] || return 1
    sed 's/^{"payload":"\([^"]*\)".*/\1/' "$1" | base64 -d >"$work/payload" 2>/dev/null || return 1
    { printf 'DSSEv1 %s %s %s ' "${#2}" "$2" "$(($(wc -c <"$work/payload")))" && cat "$work/payload"; } >"$work/signed"
    sed 's/.*"signatures":\[//; s/\]}$//; s/},{/}{/g' "$1" | tr '}' '\n' |
        sed -n 's/^{"keyid":"\([^"]*\)","sig":"\([^"]*\)"$/\1 \2/p' >"$work/signatures"
}
good() { # good ALLOWED WHO NAMESPACE BASE64: the signature is WHO's
    printf '%s\n' "$4" | base64 -d >"$work/signature" 2>/dev/null || return 1
    ssh-keygen -Y verify -f "$1" -I "$2" -n "$3" -s "$work/signature" <"$work/signed" >/dev/null 2>&1
}
owners() { # owners ROOT ROLE: name and key of those who count in the role
    members=,$(sed -n "s/^$2 [0-9]* //p" "$work/root.$1.roles"),
    while read -r owner key blob; do
        fingerprint=$(printf '%s %s\n' "$key" "$blob" >"$work/key" && ssh-keygen -l -f "$work/key" | cut -d ' ' -f 2)
        case $members in *",\"$fingerprint\","*) printf '%s %s %s\n' "$owner" "$key" "$blob" ;; esac
    done <"$work/root.$1.keys"
}
signed_by() { # signed_by ROOT ROLE: as many owners of the role's keys as it asks for signed what was opened last
    threshold=$(sed -n "s/^$2 \([0-9]*\) .*/\1/p" "$work/root.$1.roles")
    owners "$1" "$2" >"$work/owners"
    count=0
    while read -r owner key blob; do
        printf '%s namespaces="trust@labelvc.v1" %s %s\n' "$owner" "$key" "$blob" >"$work/allowed"
        while read -r _ signature; do
            if good "$work/allowed" "$owner" trust@labelvc.v1 "$signature"; then
                count=$((count + 1)) # no owner has two keys: below
                break
            fi
        done <"$work/signatures"
    done <"$work/owners"
    [ "${threshold:-0}" -ge 1 ] && [ "$count" -ge "$threshold" ]
}

# ---- the chain of roots
root() { # root NUMBER
    opened "root/$1.json" application/vnd.tuf+json || return 1
    case $(cat "$work/payload") in '{"_type":"root",'*"\"version\":$1,\"x-labelvc-repository\":\"$repository\"}") ;; *) return 1 ;; esac
    tr '{' '\n' <"$work/payload" >"$work/parts"
    sed -n 's/^"public":"\([a-z0-9@.-]* [A-Za-z0-9+\/=]*\)"},"scheme":"[^"]*","x-labelvc-principal":"\([a-z0-9._-]*\)"}.*/\2 \1/p' \
        "$work/parts" >"$work/root.$1.keys"
    [ -z "$(cut -d ' ' -f 1 "$work/root.$1.keys" | sort | uniq -d)" ] || return 1
    for role in root targets; do
        sed -n "/\"$role\":\$/{
            n
            s/^\"keyids\":\\[\\([^]]*\\)\\],\"threshold\":\\([0-9]*\\)}.*/$role \\2 \\1/p
        }" "$work/parts"
    done >"$work/root.$1.roles"
    signed_by "$1" root || return 1
    [ "$1" -eq 1 ] || signed_by $(($1 - 1)) root
}
anchored() {
    opened root/1.json application/vnd.tuf+json && [ "sha256:$(digest "$work/payload")" = "$pin" ]
}
judge "the root is the one you named: $pin" anchored
repository=$(sed -n 's/.*"x-labelvc-repository":"\([0-9a-f-]*\)"}$/\1/p' "$work/payload")
last=0
for file in root/*.json; do [ -e "$file" ] && last=$((last + 1)); done
number=0
while [ "$number" -lt "$last" ]; do
    number=$((number + 1))
    judge "root $number is signed by enough of its own people and of those of the root before" root "$number"
done

# ---- policies, and the keys that were made of them
member() { # member WHO ROLE POLICY-PAYLOAD: the policy grants the role; `root` is who owns a key of its root, by the policy too
    if [ "$2" = root ]; then
        [ -n "$(sed -n "/^$(quoted "$1")\$/p" "$3.root")" ]
        return
    fi
    [ -n "$(sed -n "/\"roles\":{.*\"$(quoted "$2")\":{\\(\"incompatible\":\\[[^]\\\\]*\\],\\)\\{0,1\\}\"members\":\\[[^]\\\\]*\"$(quoted "$1")\"[^]\\\\]*\\]/p" "$3")" ]
}
quoted() { printf %s "$1" | sed 's/[].[*^$\/]/\\&/g'; }
policy() { # policy NAME ROOT
    plain "$1" && [ -f "$work/root.$2.keys" ] || return 1
    opened "policies/$1.json" "$in_toto" || return 1
    case $(digest "$work/payload") in "${1#*-}"*) ;; *) return 1 ;; esac
    case $(cat "$work/payload") in
    '{"_type":"https://in-toto.io/Statement/v1","predicate":{'*"\"repository\":\"$repository\",\"roles\":{"*",\"version\":${1%%-*}},\"predicateType\":\"urn:labelvc:policy:1\",\"subject\":"*) ;;
    *) return 1 ;;
    esac
    signed_by "$2" targets || return 1
    cp "$work/payload" "$work/policy.$1"
    while read -r who names key blob; do
        [ "$names" = 'namespaces="approval@labelvc.v1,release@labelvc.v1"' ] || return 1
        line=$(quoted "$key $blob")
        [ -n "$(sed -n "/\"principals\":{.*\"$(quoted "$who")\":{\\(\"emails\":\\[[^]\\\\]*\\],\\)\\{0,1\\}\"keys\":\\[[^]\\\\]*\"$line\"[^]\\\\]*\\]/p" "$work/payload")" ] || return 1
    done <"policies/$1.signers"
    owners "$2" root | sed 's/ / namespaces="approval@labelvc.v1,release@labelvc.v1" /' | sort >"$work/owners"
    sort "policies/$1.signers" | comm -12 "$work/owners" - | cut -d ' ' -f 1 >"$work/policy.$1.root"
}
while read -r name number; do
    if ! plain "$name" || ! plain "$number"; then
        wrong 'policies.txt names what no policy can be called'
        continue
    fi
    judge "policy $name is signed by the people of root $number, and its list of keys is its own" policy "$name" "$number"
done <policies.txt

# ---- trees of RFC 6962
bytes() { # bytes HEX: what it stands for
    rest=$1
    escaped=
    while [ -n "$rest" ]; do
        after=${rest#??}
        value=$((0x${rest%"$after"}))
        escaped="$escaped\\0$((value / 64))$((value / 8 % 8))$((value % 8))"
        rest=$after
    done
    printf '%b' "$escaped"
}
tree() { # the root over the files that lie in $work/tree, one a leaf, in the order of their names
    (
        cd "$work/tree" || exit 1
        set -- *
        if [ "$1" = '*' ]; then
            printf '' | sha256sum | cut -c 1-64
            exit
        fi
        sha256sum -- * | cut -c 1-64 >../level
        rm -f -- *
        while [ "$(wc -l <../level)" -gt 1 ]; do
            at=1000000
            carried=
            while read -r hash; do
                if read -r next; then
                    at=$((at + 1))
                    { printf '\001' && bytes "$hash" && bytes "$next"; } >"$at"
                else
                    carried=$hash
                fi
            done <../level
            { sha256sum -- * && echo "$carried"; } | cut -c 1-64 | sed '/^$/d' >../next
            rm -f -- *
            mv ../next ../level
        done
        cat ../level
    )
}
leaves() { # leaves: the lines that are read become leaves, in their order
    rm -rf "$work/tree"
    mkdir "$work/tree"
    at=1000000
    while IFS= read -r line; do
        at=$((at + 1))
        { printf '\000' && printf %s "$line"; } >"$work/tree/$at"
    done
}

# ---- change-sets: the root of the lines is the name
changeset() { # changeset FILE
    sort -c -u "$1" 2>"$work/said" || return 1
    leaves <"$1"
    [ "changesets/$(tree).jsonl" = "$1" ]
}
for file in changesets/*.jsonl; do
    [ -e "$file" ] || continue
    name=${file#changesets/}
    if [ "$(wc -l <"$file")" -gt "$limit" ]; then
        note "change-set $name has more than $limit lines: its root was not worked out (LIMIT=N does)"
    else
        judge "change-set $name: its lines are in order, and their root is its name" changeset "$file"
    fi
done

# ---- statements: signed by who they name, with a key of the policy they were judged by
statement() { # statement FILE POLICY
    plain "$2" && [ -f "$work/policy.$2" ] || return 1
    own=${1##*/}
    root=${1%/*}
    root=${root#approvals/}
    who=${own%.*.json}
    opened "$1" "$in_toto" || return 1
    case $own in "$who.$(digest "$work/payload" | cut -c 1-12).json") ;; *) return 1 ;; esac
    about="\"subject\":[{\"digest\":{\"sha256\":\"$root\"},\"name\":\"labelvc:changeset\"}]}"
    case $(cat "$work/payload") in
    '{"_type":"https://in-toto.io/Statement/v1","predicate":{'*"},\"predicateType\":\"urn:labelvc:approval:1\",$about") ;;
    '{"_type":"https://in-toto.io/Statement/v1","predicate":{'*"},\"predicateType\":\"urn:labelvc:rekey:1\",$about") ;;
    *) return 1 ;;
    esac
    case $(cat "$work/payload") in *"\"repository\":\"$repository\"}"*"\"signer\":{\"principal\":\"$who\",\"printedName\":\""*) ;; *) return 1 ;; esac
    # in canonical JSON a quote inside of a text has a backslash before it: what follows `"role":` is the member of that name
    said=$(sed -n 's/.*"decision":"\([a-z]*\)".*/\1/p' "$work/payload")
    role=$(sed -n 's/.*"role":"\([^"\\]*\)".*/\1/p' "$work/payload")
    [ -n "$said" ] && [ -n "$role" ] && member "$who" "$role" "$work/policy.$2" || return 1
    read -r _ signature <"$work/signatures"
    good "policies/$2.signers" "$who" approval@labelvc.v1 "$signature"
}
while read -r file name; do
    if ! plain "$file" || [ ! -f "$file" ]; then
        wrong 'approvals.txt names a statement that is not here'
    elif [ "$name" = - ]; then
        note "$file counts for nothing: no policy in force when it came in knows it as good"
    elif statement "$file" "$name"; then
        ok "statement $who says $said about $(printf %.12s "$root"), policy $name"
    else
        wrong "statement $file"
    fi
done <approvals.txt
listed() {
    for file in approvals/*/*; do [ -e "$file" ] && printf '%s\n' "$file"; done | sort >"$work/lying"
    [ "$(cut -d ' ' -f 1 approvals.txt)" = "$(cat "$work/lying")" ]
}
judge 'approvals.txt lists every statement that is here' listed

# ---- releases: signed, chained, and no statement taken away
release() { # release VERSION POLICY
    plain "$1" && plain "$2" && [ -f "$work/policy.$2" ] || return 1
    opened "releases/$1.json" "$in_toto" || return 1
    made=$(digest "$work/payload")
    who=$(sed -n 's/.*"signer":{"principal":"\([a-z0-9._-]*\)","printedName":".*/\1/p' "$work/payload")
    number=${2%%-*}
    case $(cat "$work/payload") in
    '{"_type":"https://in-toto.io/Statement/v1","predicate":{"approvals":{'*"\"policy\":{\"sha256\":\"$(digest "$work/policy.$2")\",\"version\":$number}"*"\"version\":\"$1\"},\"predicateType\":\"urn:labelvc:release:1\",\"subject\":"*) ;;
    *) return 1 ;;
    esac
    case $(cat "$work/payload") in
    *"\"previous\":{\"sha256\":\"${before:-none}\",\"version\":\"${former:-none}\"}"*"\"sequence\":$((sequence + 1)),"*) ;;
    *'"previous":{'*) return 1 ;;
    *"\"sequence\":1,"*) [ -z "$before" ] || return 1 ;;
    *) return 1 ;;
    esac
    case $(cat "$work/payload") in *"\"repository\":\"$repository\","*) ;; *) return 1 ;; esac
    read -r _ signature <"$work/signatures"
    good "policies/$2.signers" "$who" release@labelvc.v1 "$signature"
}
checkpoint() { # checkpoint: the log of approvals begins with what the release that was opened last counted
    sed -n 's/^{"_type":"[^"]*","predicate":{"approvals":{\("consistency":\[[^]]*\],\)\{0,1\}"root":"\([0-9a-f]*\)","size":\([0-9]*\)}.*/\2 \3/p' \
        "$work/payload" >"$work/log"
    top=$(cut -d ' ' -f 1 "$work/log")
    size=$(cut -d ' ' -f 2 "$work/log")
    [ -n "$top" ] && [ -n "$size" ] || return 1
    if [ "$size" -gt "$limit" ]; then
        note "the log of approvals has more than $limit statements: its root was not worked out (LIMIT=N does)"
        return 0
    fi
    rm -rf "$work/tree"
    mkdir "$work/tree"
    at=1000000
    while read -r hash file && [ $((at - 1000000)) -lt "$size" ]; do
        at=$((at + 1))
        printf '\000%s\000%s' "$file" "$hash" >"$work/tree/$at"
    done <log.txt
    [ $((at - 1000000)) -eq "$size" ] && [ "$(tree)" = "$top" ]
}
published() {
    for file in releases/*.json; do
        [ ! -e "$file" ] || printf '%s\n' "$file"
    done | sed -n 's/^releases\/\([0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*\)\.json$/\1/p' | sort >"$work/lying"
    [ "$(cut -d ' ' -f 1 releases.txt | sort)" = "$(cat "$work/lying")" ]
}
judge 'releases.txt lists every release that is here' published
before=
former=
sequence=0
while read -r version name; do
    if ! plain "$version" || ! plain "$name"; then
        wrong 'releases.txt names what no release can be called'
    elif release "$version" "$name"; then
        ok "release $version is signed by $who, follows ${former:-nothing}, policy $name"
        judge "release $version: no statement that it counted is gone from log.txt" checkpoint
    else
        wrong "release $version"
    fi
    before=${made-}
    former=$version
    sequence=$((sequence + 1))
done <releases.txt
logged() { # every statement that is here is in the log, as it is
    for file in approvals/*/*; do
        [ ! -e "$file" ] || printf '%s %s\n' "$(digest "$file")" "$file"
    done | sort >"$work/lying"
    sort log.txt >"$work/log"
    [ -z "$(comm -23 "$work/lying" "$work/log")" ]
}
judge 'log.txt holds every statement that is here' logged

# ---- documents, and the list of steps
documents() {
    for file in documents/*; do
        if [ -e "$file" ] && [ "documents/$(digest "$file")" != "$file" ]; then printf '%s\n' "$file"; fi
    done >"$work/blamed"
    [ ! -s "$work/blamed" ]
}
judge 'every document is named after its SHA-256' documents
chain() { # each step begins where the one before ended, and its tree and parent are those of commits.txt
    ended=
    while read -r commit parent top name root state; do
        [ -z "$ended" ] || [ "$parent" = "$ended" ] || return 1
        ended=$commit
        [ -n "$name" ] && [ -n "$state" ] && [ ${#root} -eq 64 ] || return 1
        [ "$parent" != - ] || parent=none
        # a pull request is one step from where it was cut, whatever the parents of its last commit are
        [ "$(wc -l <steps.txt)" -gt 1 ] || parent=$(sed -n "s/^$commit $top \([0-9a-f]*\).*/\1/p" commits.txt)
        [ -n "$(sed -n "/^$commit $top\$/p; /^$commit $top $parent\( .*\)\{0,1\}\$/p" commits.txt)" ] || return 1
    done <steps.txt
}
judge 'the steps follow each other without a gap' chain
nothing=$(printf '' | sha256sum | cut -c 1-64)
while read -r commit parent top name root state; do
    plain "$commit" || continue # that it is in commits.txt was asked above
    [ "$root" = "$nothing" ] || [ -f "changesets/$root.jsonl" ] || note "the change-set of step $(printf %.12s "$commit") is not here"
done <steps.txt
counted() {
    [ "$(cut -d ' ' -f 1,6 steps.txt)" = "$(sed 1d population.csv | cut -d , -f 1,6 | tr , ' ')" ]
}
judge 'population.csv lists these steps' counted
dated() {
    [ -z "$(sed '/^[0-9a-f]\{40,64\} [0-9]\{1,13\}$/d' times.txt)" ] || return 1
    [ "$(cut -d ' ' -f 1 times.txt)" = "$(cut -d ' ' -f 1 steps.txt)" ] || return 1
    cut -d ' ' -f 2 times.txt | sort -n -c 2>"$work/said"
}
[ ! -f times.txt ] || judge 'times.txt says of each step when it came in, and never goes back' dated
note "$(sed 1d population.csv | wc -l | tr -d ' ') steps, list sha256:$(cut -d ' ' -f 1 steps.txt | sha256sum | cut -c 1-64)"
finish

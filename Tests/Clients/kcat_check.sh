#!/bin/sh
# Checks a broker with kcat (librdkafka), a client that nobody here wrote.
# usage: kcat_check.sh HOST:PORT ; prints a line per check and 'N passed, N failed', exit code 1 if one failed.
server=$1
topic="kcat-$$-$(date +%s)"
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() { # name, expected file, actual file
    if cmp -s "$2" "$3"; then
        passed=$((passed + 1))
        echo "ok    $1"
    else
        failed=$((failed + 1))
        echo "FAIL  $1"
        diff "$2" "$3" | head -5
    fi
}

consume() { timeout 20 kcat -b "$server" -C -e -q "$@"; }

seq 1 1000 >"$work/numbers"
timeout 20 kcat -b "$server" -P -t "$topic" <"$work/numbers"
consume -t "$topic" -o beginning >"$work/got"
check "a thousand records come back in order, topic made by itself" "$work/numbers" "$work/got"

consume -t "$topic" -o 990 >"$work/got"
tail -10 "$work/numbers" >"$work/want"
check "reading from an offset" "$work/want" "$work/got"

consume -t "$topic" -o -5 >"$work/got"
tail -5 "$work/numbers" >"$work/want"
check "reading the last five" "$work/want" "$work/got"

printf 'k1|v1\nk2|v2\n' | timeout 20 kcat -b "$server" -P -t "$topic-keys" -K '|' -H name=value
consume -t "$topic-keys" -o beginning -f '%k=%s %h\n' >"$work/got"
printf 'k1=v1 name=value\nk2=v2 name=value\n' >"$work/want"
check "keys and headers" "$work/want" "$work/got"

for codec in gzip snappy lz4 zstd; do
    timeout 20 kcat -b "$server" -P -t "$topic-$codec" -z "$codec" <"$work/numbers"
    consume -t "$topic-$codec" -o beginning >"$work/got"
    check "compression $codec" "$work/numbers" "$work/got"
done

timeout 20 kcat -b "$server" -P -t "$topic-idem" -X enable.idempotence=true -X acks=all <"$work/numbers"
consume -t "$topic-idem" -o beginning >"$work/got"
check "idempotent producer" "$work/numbers" "$work/got"

timeout 20 kcat -b "$server" -G "group-$topic" -c 1000 -q -X auto.offset.reset=earliest "$topic" >"$work/got" 2>/dev/null
check "a group reads everything" "$work/numbers" "$work/got"
printf '1001\n' | timeout 20 kcat -b "$server" -P -t "$topic"
timeout 20 kcat -b "$server" -G "group-$topic" -c 1 -q -X auto.offset.reset=earliest "$topic" >"$work/got" 2>/dev/null
printf '1001\n' >"$work/want"
check "the group goes on where it was" "$work/want" "$work/got"

timeout 20 kcat -b "$server" -L -t "$topic" | grep -c "topic \"$topic\" with 1 partitions" >"$work/got"
echo 1 >"$work/want"
check "metadata" "$work/want" "$work/got"

timeout 20 kcat -b "$server" -Q -t "$topic:0:-1" | grep -o 'offset [0-9]*' >"$work/got"
echo "offset 1001" >"$work/want"
check "the latest offset" "$work/want" "$work/got"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

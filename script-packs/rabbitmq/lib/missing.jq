# What a dump has and the broker has not, or differently: `[dump, broker]` to lines for people.
. as [$dump, $found]
| $dump | to_entries[] | select(.value | type == "array") | .key as $section
| (.value - ($found[$section] // []))[]
| "\($section): \(.name // .vhost // "\(.source) -> \(.destination)")"

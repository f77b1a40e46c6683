# The requests that make a virtual host as a dump: `[dump, broker, its bindings]` to a configuration of curl. $access are the lines of the account.
def quoted: gsub("\\\\"; "\\\\") | gsub("\""; "\\\"") | "\"\(.)\"";
def request($method; $path; $body):
  "url = \("\($api)/\($path | map(@uri | if test("^\\.\\.?$") then gsub("\\."; "%2E") else . end) | join("/"))" | quoted)\nrequest = \($method)\n"
  + (if $body == null then "" else "header = \"content-type: application/json\"\ndata-raw = \($body | tojson | quoted)\n" end);
def kind: if .destination_type == "queue" then "q" else "e" end;
. as [$dump, $found, $bindings]
| $vhost as $v
| [
    (if $replace then
      ($bindings[]
        | select({source, destination, destination_type, routing_key, arguments} | IN($found.bindings[]) and (IN($dump.bindings[]) | not))
        | request("DELETE"; ["bindings", $v, "e", .source, kind, .destination, .properties_key]; null)),
      (($found.queues - $dump.queues)[] | request("DELETE"; ["queues", $v, .name]; null)),
      (($found.exchanges - $dump.exchanges)[] | request("DELETE"; ["exchanges", $v, .name]; null)),
      (($found.policies - $dump.policies)[] | request("DELETE"; ["policies", $v, .name]; null)),
      (($found.parameters - $dump.parameters)[] | request("DELETE"; ["parameters", .component, $v, .name]; null))
    else empty end),
    (($dump.parameters - $found.parameters)[] | request("PUT"; ["parameters", .component, $v, .name]; {value})),
    (($dump.policies - $found.policies)[] | request("PUT"; ["policies", $v, .name]; del(.name))),
    (($dump.exchanges - $found.exchanges)[] | request("PUT"; ["exchanges", $v, .name]; del(.name))),
    (($dump.queues - $found.queues)[] | request("PUT"; ["queues", $v, .name]; del(.name))),
    ($dump.bindings[]
      | request("POST"; ["bindings", $v, "e", .source, kind, .destination]; {routing_key, arguments}))
  ]
| map($access + .) | join("next\n")

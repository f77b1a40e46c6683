# The definitions of a virtual host, out of the answers of the API, as the export of the server has them. Limits and policies of the
# operator are not the tenant's to back up or restore.
def only($names): with_entries(select(.key | IN($names[])));
. as [$_, $queues, $exchanges, $bindings, $policies, $parameters, $overview]
| [$queues[] | select(.exclusive != true and .owner_pid_details == null) | only(["name", "durable", "auto_delete", "arguments"])] as $kept
| {
    rabbit_version: $overview.rabbitmq_version,
    queues: ($kept | sort_by(.name)),
    exchanges: [$exchanges[] | select(.name != "" and (.name | startswith("amq.") | not)) | only(["name", "type", "durable", "auto_delete", "internal", "arguments"])] | sort_by(.name),
    bindings: [$bindings[]
        | select(.source != "" and (.destination_type != "queue" or (.destination | IN($kept[].name))))
        | only(["source", "destination", "destination_type", "routing_key", "arguments"])] | sort,
    policies: [$policies[] | only(["name", "pattern", "apply-to", "definition", "priority"])] | sort_by(.name),
    parameters: [$parameters[]
        | select((.vhost | @uri) == $vhost and (.component | IN("vhost-limits", "operator_policy", "policy") | not))
        | only(["component", "name", "value"])] | sort
  }

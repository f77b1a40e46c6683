# The definitions of a broker, without what names the cluster itself.
.global_parameters |= map(select(.name | IN("internal_cluster_id", "cluster_name") | not))
| with_entries(if .value | type == "array" then .value |= sort else . end)

# shellcheck shell=bash
# Reads the parameters of the service instance and of the restore. Each is checked: a typo must not pass for the default.

# parameter NAME DEFAULT
parameter() {
    local variable=BACKUP_PARAMETER_$1
    printf '%s' "${!variable:-$2}"
}

# choice NAME DEFAULT CHOICE…
choice() {
    local name=$1 value each
    value=$(parameter "$@")
    for each in "${@:2}"; do
        [ "$value" != "$each" ] || { printf '%s' "$value"; return; }
    done
    fail "the parameter ${name,,} is \"$value\": it must be one of: ${*:2}"
}

# whole_number NAME DEFAULT MINIMUM MAXIMUM
whole_number() {
    local value
    value=$(parameter "$1" "$2")
    [[ $value =~ ^[0-9]{1,9}$ ]] && [ "$value" -ge "$3" ] && [ "$value" -le "$4" ] ||
        fail "the parameter ${1,,} is \"$value\": it must be a whole number from $3 to $4"
    printf '%s' "$value"
}

MODE=$(choice MODE auto swap in-place)
MISSING_ROLES=$(choice MISSING_ROLES fail skip create)
SUPERUSER_OBJECTS=$(choice SUPERUSER_OBJECTS fail skip)
SUPERUSER_CONTENT=$(choice SUPERUSER_CONTENT verified allow)
TERMINATE_SESSIONS=$(choice TERMINATE_SESSIONS auto true false)
LOCK_TIMEOUT=$(whole_number LOCK_TIMEOUT_SECONDS 60 1 86400)
PARALLEL=$(whole_number PARALLEL 1 1 64)
KEEP_PREVIOUS_HOURS=$(whole_number KEEP_PREVIOUS_HOURS 24 0 8760)
MAX_LAG_SECONDS=$(whole_number MAX_LAG_SECONDS 300 0 604800)
CONNECT_TIMEOUT=$(whole_number CONNECT_TIMEOUT 30 1 3600)
MAINTENANCE_DATABASE=$(parameter MAINTENANCE_DATABASE postgres)
ALLOWED_EXTENSIONS=$(parameter ALLOWED_EXTENSIONS '')
OWNER_ROLES=$(parameter OWNER_ROLES '')
NO_PRIVILEGES=$(choice NO_PRIVILEGES false true)
COUNT_ROWS=$(choice COUNT_ROWS false true)
GLOBALS_ITEM=$(parameter GLOBALS_ITEM globals)

# shellcheck shell=bash
# Reads the parameters of the service instance and of the restore. Each is checked: a typo must not pass for the default.

# parameter VARIABLE NAME DEFAULT: sets the variable to the value of the parameter. Here and below, what is set rather than printed saves a
# process each time.
parameter() {
    local given_as=BACKUP_PARAMETER_$2
    printf -v "$1" '%s' "${!given_as:-$3}"
}

# choice VARIABLE NAME DEFAULT CHOICE…
choice() {
    local each
    parameter "$@"
    for each in "${@:3}"; do
        [ "${!1}" != "$each" ] || return 0
    done
    fail "the parameter ${2,,} is \"${!1}\": it must be one of: ${*:3}"
}

# whole_number VARIABLE NAME DEFAULT MINIMUM MAXIMUM
whole_number() {
    parameter "$@"
    [[ ${!1} =~ ^[0-9]{1,9}$ ]] && [ "${!1}" -ge "$4" ] && [ "${!1}" -le "$5" ] ||
        fail "the parameter ${2,,} is \"${!1}\": it must be a whole number from $4 to $5"
}

choice MODE MODE auto swap in-place
choice MISSING_ROLES MISSING_ROLES fail skip create
choice SUPERUSER_OBJECTS SUPERUSER_OBJECTS fail skip
choice SUPERUSER_CONTENT SUPERUSER_CONTENT verified allow
choice TERMINATE_SESSIONS TERMINATE_SESSIONS auto true false
whole_number LOCK_TIMEOUT LOCK_TIMEOUT_SECONDS 60 1 86400
whole_number PARALLEL PARALLEL 1 1 64
whole_number KEEP_PREVIOUS_HOURS KEEP_PREVIOUS_HOURS 24 0 8760
whole_number MAX_LAG_SECONDS MAX_LAG_SECONDS 300 0 604800
whole_number CONNECT_TIMEOUT CONNECT_TIMEOUT 30 1 3600
parameter MAINTENANCE_DATABASE MAINTENANCE_DATABASE postgres
parameter ALLOWED_EXTENSIONS ALLOWED_EXTENSIONS ''
parameter OWNER_ROLES OWNER_ROLES ''
choice NO_PRIVILEGES NO_PRIVILEGES false true
choice COUNT_ROWS COUNT_ROWS false true
parameter GLOBALS_ITEM GLOBALS_ITEM globals

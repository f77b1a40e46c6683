# Sorts the entries of an archive's table of contents (pg_restore --list) into one list for each step of a restore, in the folder
# "folder": schemas, main, acl, last (what may need the grants to be there), superuser (what only a superuser can create).
BEGIN {
    kinds = "(EVENT TRIGGER|OPERATOR CLASS|OPERATOR FAMILY|FOREIGN DATA WRAPPER|ACCESS METHOD|TEXT SEARCH PARSER|TEXT SEARCH TEMPLATE|TRANSFORM|PUBLICATION TABLES IN SCHEMA|PROCEDURAL LANGUAGE)"
    of_superuser = "^" kinds " "
    about_superuser = "^(COMMENT|ACL|SECURITY LABEL) [^ ]+ (EVENT TRIGGER|OPERATOR CLASS|OPERATOR FAMILY|FOREIGN DATA WRAPPER|ACCESS METHOD|TEXT SEARCH PARSER|TEXT SEARCH TEMPLATE|TRANSFORM|LANGUAGE) "
    split("schemas main acl last superuser", lists, " ")
    for (i in lists) printf "" > (folder "/" lists[i] ".list")
}
/^;/ || /^$/ { next }
{
    entry = $0
    sub(/^[0-9]+; [0-9]+ [0-9]+ /, "", entry)
}
# Extensions are created by us. Subscriptions hold passwords, and a restored copy must not subscribe.
entry ~ /^(EXTENSION|SUBSCRIPTION) / || entry ~ /^COMMENT - (EXTENSION|SUBSCRIPTION) / { next }
entry ~ of_superuser { print entry > (folder "/superuser.list"); if (skip == "skip") next }
skip == "skip" && entry ~ about_superuser { next }
entry ~ /^SCHEMA / { print > (folder "/schemas.list"); next }
entry ~ /^(DEFAULT )?ACL / { print > (folder "/acl.list"); next }
entry ~ /^(MATERIALIZED VIEW DATA|EVENT TRIGGER|COMMENT - EVENT TRIGGER) / { print > (folder "/last.list"); next }
{ print > (folder "/main.list") }

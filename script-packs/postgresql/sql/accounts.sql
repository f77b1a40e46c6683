-- Prints what the current account is: a superuser, one that may create databases, one that may create roles; the server's version; whether
-- the database :target and the copy and the role of this restore, :name, exist; and how many other sessions of this job the account may end.
-- These are counted first: what a session that is gone by then has created is seen below.
SELECT count(*) AS sessions FROM pg_stat_activity
WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid() AND pg_has_role(usesysid, 'USAGE') \gset
SELECT rolsuper, rolsuper OR rolcreatedb, rolsuper OR rolcreaterole, current_setting('server_version_num'),
    EXISTS (SELECT FROM pg_database WHERE datname = :'target'), EXISTS (SELECT FROM pg_database WHERE datname = :'name'),
    EXISTS (SELECT FROM pg_roles WHERE rolname = :'name'), :sessions
FROM pg_roles WHERE rolname = current_user;

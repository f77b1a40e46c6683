-- What the current account is: a superuser, one that may create databases, one that may create roles; and the server's version.
SELECT rolsuper, rolsuper OR rolcreatedb, rolsuper OR rolcreaterole, current_setting('server_version_num') FROM pg_roles WHERE rolname = current_user;

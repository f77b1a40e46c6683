-- Prints whether the current account has the rights of the owner of this database, and sets :role to that owner.
SELECT pg_get_userbyid(datdba) AS role, pg_has_role(datdba, 'USAGE') AS has_rights FROM pg_database WHERE datname = current_database() \gset
\echo :has_rights

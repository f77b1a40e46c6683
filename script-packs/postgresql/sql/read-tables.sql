-- Reads a row of every table, as far as the current account may. Tables with policies are left out: these are functions of users.
SELECT format('SELECT 1 FROM ONLY %I.%I LIMIT 1', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.oid >= 16384 AND c.relpersistence <> 't' AND NOT c.relrowsecurity
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') \gexec

-- Creates the extension :name in version :version, in the schema :schema, which is created where it is not there; as :role, if that is not empty.
SELECT format('SET ROLE %I', :'role') WHERE :'role' <> '' \gexec
SELECT format('CREATE SCHEMA IF NOT EXISTS %I', :'schema') WHERE :'schema' NOT IN ('pg_catalog', '') \gexec
SELECT format('CREATE EXTENSION %I%s VERSION %L', :'name', CASE WHEN :'schema' = '' THEN '' ELSE format(' SCHEMA %I', :'schema') END, :'version') \gexec

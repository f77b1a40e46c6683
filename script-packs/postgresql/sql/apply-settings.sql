-- Gives the database :name the settings of :'metadata' that it does not have yet. :as is "tenant": with the tenant's rights, so that
-- PostgreSQL decides what is allowed; what fails is left for "admin", which sets only what the database :target has already, and
-- what any role may set for itself, for :tenants. Warns of each setting that stays out.
\set metadata `cat "$BACKUP_METADATA"`
SELECT set_config('osb_backup.metadata', :'metadata', false), set_config('osb_backup.name', :'name', false),
    set_config('osb_backup.target', :'target', false), set_config('osb_backup.tenants', :'tenants', false), set_config('osb_backup.as', :'as', false) \g /dev/null
DO $settings$
DECLARE
    item jsonb;
    owner_role oid;
    this oid := (SELECT oid FROM pg_database WHERE datname = current_setting('osb_backup.name'));
    live oid := (SELECT oid FROM pg_database WHERE datname = current_setting('osb_backup.target'));
    is_admin boolean := current_setting('osb_backup.as') = 'admin';
    is_known boolean;
    subject text;
    what text;
BEGIN
    FOR item IN SELECT jsonb_array_elements(coalesce(current_setting('osb_backup.metadata')::jsonb -> 'settings', '[]')) LOOP
        what := format('%s%s', coalesce((item ->> 'role') || ': ', ''), item ->> 'name');
        owner_role := CASE WHEN item ->> 'role' IS NULL THEN 0::oid ELSE (SELECT oid FROM pg_roles WHERE rolname = item ->> 'role') END;
        IF owner_role IS NULL THEN
            IF is_admin THEN RAISE WARNING 'setting %: the role does not exist', what; END IF;
            CONTINUE;
        END IF;
        CONTINUE WHEN EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setdatabase = this AND s.setrole = owner_role
            AND (item ->> 'name') || '=' || (item ->> 'value') = ANY (s.setconfig));
        IF is_admin THEN
            is_known := EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setdatabase = live AND s.setrole = owner_role
                AND (item ->> 'name') || '=' || (item ->> 'value') = ANY (s.setconfig));
            IF NOT is_known AND NOT (
                EXISTS (SELECT FROM pg_settings WHERE name = item ->> 'name' AND context = 'user' AND item ->> 'name' NOT IN ('role', 'session_authorization'))
                AND (item ->> 'role' IS NULL OR item ->> 'role' = ANY (string_to_array(current_setting('osb_backup.tenants'), E'\n'))))
            THEN
                RAISE WARNING 'setting %: only a superuser may set it, and the live database does not have it', what;
                CONTINUE;
            END IF;
        END IF;
        BEGIN
            IF owner_role = 0 THEN
                subject := format('DATABASE %I', current_setting('osb_backup.name'));
            ELSE
                subject := format('ROLE %I IN DATABASE %I', item ->> 'role', current_setting('osb_backup.name'));
                -- A role may change its own settings.
                IF NOT is_admin THEN EXECUTE format('SET LOCAL ROLE %I', item ->> 'role'); END IF;
            END IF;
            IF item ->> 'name' IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries') THEN
                -- A list of names, which set_config reads as it is stored.
                PERFORM pg_catalog.set_config(item ->> 'name', item ->> 'value', true);
                EXECUTE pg_catalog.format('ALTER %s SET %I FROM CURRENT', subject, item ->> 'name');
                PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
            ELSE
                EXECUTE format('ALTER %s SET %s TO %L', subject,
                    (SELECT string_agg(quote_ident(part), '.') FROM unnest(string_to_array(item ->> 'name', '.')) AS part), item ->> 'value');
            END IF;
            SET LOCAL ROLE NONE;
        EXCEPTION WHEN OTHERS THEN
            IF is_admin THEN RAISE WARNING 'setting %: %', what, SQLERRM; END IF;
        END;
    END LOOP;
END
$settings$;

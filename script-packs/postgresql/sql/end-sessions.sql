-- Ends the sessions in the database with the oid :target and the name :name again and again, as far as the current account may: for five
-- seconds, or until it has another name. This goes on when psql is killed, so that neither the oid nor the name alone would do.
SELECT set_config('osb_backup.target', :'target', false), set_config('osb_backup.name', :'name', false) \g /dev/null
DO $end$
BEGIN
    FOR attempt IN 1..50 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM pg_database WHERE oid = current_setting('osb_backup.target')::oid AND datname = current_setting('osb_backup.name'));
        PERFORM pg_stat_clear_snapshot();
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datid = current_setting('osb_backup.target')::oid AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                AND ((SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
                    OR (pg_has_role(usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')) AND NOT (SELECT rolsuper FROM pg_roles r WHERE r.oid = usesysid));
        PERFORM pg_sleep(0.1);
    END LOOP;
END
$end$;

# What "keystone-manage db_sync, fernet_setup, credential_setup, bootstrap" do, in one process: each of the four alone
# takes seconds to import its modules.
"""usage: identity-init.py KEYSTONE_CONF DB_FILE ADMIN_PASSWORD IDENTITY_URL REGION"""
import sqlite3, sys
conf, db, password, url, region = sys.argv[1:]
del sys.argv[1:]
import keystone.conf
import keystone.server
from keystone.common import fernet_utils
from keystone.common.sql import upgrades
from keystone.cmd import bootstrap
keystone.server.configure(config_files=[conf])
CONF = keystone.conf.CONF
for group, keys in (('fernet_tokens', CONF.fernet_tokens.max_active_keys), ('credential', 2)):
    f = fernet_utils.FernetUtils(CONF[group].key_repository, keys, group)
    f.create_key_directory()
    if f.validate_key_repository(requires_write=True):
        f.initialize_key_repository()
sqlite3.connect(db).execute('PRAGMA journal_mode=WAL')   # kept in the file: a leaked reader blocks no writer
upgrades.offline_sync_database_to_version(None)
b = bootstrap.Bootstrapper()
b.admin_username, b.admin_password = 'admin', password
b.project_name, b.admin_role_name = 'admin', 'admin'
b.service_name, b.region_id = 'keystone', region
b.admin_url = b.public_url = b.internal_url = url
b.immutable_roles = True
b.bootstrap()

# The rest through Keystone's public API, each step only if it is not done yet: catalog entry for Swift, domain,
# project, user, role, S3 (ec2) key pair.
"""usage: identity-setup.py, settings in the environment (L_...)"""
import json, os, urllib.error, urllib.request
E = {k[2:]: v for k, v in os.environ.items() if k.startswith('L_')}
token = None
def call(method, path, body=None, ok404=False):
    r = urllib.request.Request(E['AUTH_URL'] + path, method=method,
                               data=None if body is None else json.dumps(body).encode(),
                               headers={'Content-Type': 'application/json', **({'X-Auth-Token': token} if token else {})})
    try:
        with urllib.request.urlopen(r, timeout=60) as a:
            raw = a.read()
            return (json.loads(raw) if raw else None), a.headers
    except urllib.error.HTTPError as e:
        if ok404 and e.code == 404:
            return None, None
        raise SystemExit('%s %s: %s %s' % (method, path, e.code, e.read().decode()[:500]))
def ensure(kind, query, **fields):
    found = call('GET', '/%ss?%s' % (kind, query))[0][kind + 's']
    if found:
        have = found[0]
        change = {k: v for k, v in fields.items() if k != 'password' and have.get(k) != v}
        if change:
            have = call('PATCH', '/%ss/%s' % (kind, have['id']), {kind: change})[0][kind]
        return have
    return call('POST', '/%ss' % kind, {kind: fields})[0][kind]
def login(user, password, domain, project, project_domain):
    body, headers = call('POST', '/auth/tokens', {'auth': {
        'identity': {'methods': ['password'], 'password': {'user': {'name': user, 'password': password, 'domain': {'name': domain}}}},
        'scope': {'project': {'name': project, 'domain': {'name': project_domain}}}}})
    return headers['X-Subject-Token'], body['token']
token, _ = login('admin', E['ADMIN_PASSWORD'], 'Default', 'admin', 'Default')
service = ensure('service', 'type=object-store', type='object-store', name='swift')
for interface in ('public', 'internal', 'admin'):
    ensure('endpoint', 'service_id=%s&interface=%s' % (service['id'], interface),
           service_id=service['id'], interface=interface, region_id=E['REGION'],
           url=E['SWIFT_URL'] + '/v1/AUTH_$(project_id)s')
domain = ensure('domain', 'name=' + E['DOMAIN'], name=E['DOMAIN'])
project = ensure('project', 'name=%s&domain_id=%s' % (E['PROJECT'], domain['id']), name=E['PROJECT'], domain_id=domain['id'])
user = ensure('user', 'name=%s&domain_id=%s' % (E['USERNAME'], domain['id']), name=E['USERNAME'], domain_id=domain['id'], password=E['PASSWORD'])
role = ensure('role', 'name=member', name='member')
call('PUT', '/projects/%s/users/%s/roles/%s' % (project['id'], user['id'], role['id']))
# a key pair of our choice (POST .../credentials/OS-EC2 would make random ones)
if call('GET', '/users/%s/credentials/OS-EC2/%s' % (user['id'], E['ACCESS_KEY']), ok404=True)[0] is None:
    call('POST', '/credentials', {'credential': {
        'type': 'ec2', 'user_id': user['id'], 'project_id': project['id'],
        'blob': json.dumps({'access': E['ACCESS_KEY'], 'secret': E['SECRET_KEY']})}})
# prove the login, and say where the account is
_, seen = login(E['USERNAME'], E['PASSWORD'], E['DOMAIN'], E['PROJECT'], E['DOMAIN'])
print([e['url'] for s in seen['catalog'] if s['type'] == 'object-store' for e in s['endpoints'] if e['interface'] == 'public'][0])

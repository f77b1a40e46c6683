# Keystone's WSGI application on eventlet's HTTP server (which Swift uses as well), one request at a time: Keystone
# leaves sqlite connections for the garbage collector, and two requests that write at once end in 500 "database is
# locked".
"""usage: identity-server.py KEYSTONE_CONF HOST PORT"""
import eventlet
eventlet.monkey_patch()
import eventlet.wsgi, os, sys
conf, host, port = sys.argv[1:]
del sys.argv[1:]                       # oslo.config would read them
os.environ['OS_KEYSTONE_CONFIG_FILES'] = conf
from keystone.server.wsgi import initialize_public_application
app = initialize_public_application()
turn = eventlet.semaphore.Semaphore()
def one_at_a_time(environ, start_response):
    with turn:
        return app(environ, start_response)
eventlet.wsgi.server(eventlet.listen((host, int(port)), reuse_addr=True), one_at_a_time,
                     log_format='%(client_ip)s "%(request_line)s" %(status_code)s %(wall_seconds).3f')

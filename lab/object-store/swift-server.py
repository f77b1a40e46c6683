# Swift finds its settings in /etc/swift only; set_swift_dir() is its own way to point it elsewhere, and must come
# before its other modules load. Debian's swift-proxy-server and the like are these lines without the first two.
"""usage: swift-server.py SWIFT_DIR KIND   (KIND: account, container, object, proxy, proxy-tls)"""
import sys
swift_dir, kind = sys.argv[1:]
from swift.common import utils
utils.set_swift_dir(swift_dir)
from swift.common.wsgi import run_wsgi
more = {}
if kind == 'object':
    from swift.obj import server
    more['global_conf_callback'] = server.global_conf_callback
# verbose: log to stderr too (there is no syslog here)
sys.exit(run_wsgi('%s/%s-server.conf' % (swift_dir, kind), kind.split('-')[0] + '-server',
                  verbose=True, **more))

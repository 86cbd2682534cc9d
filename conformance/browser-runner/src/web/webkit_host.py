"""A WebKitGTK browser that keeps its profile, for tests that WebKitWebDriver drives.

MiniBrowser, which the driver starts by itself, forgets everything when it is automated. This one keeps what its pages store below a directory
that is given, so that a test can end it, or kill it, and start it again.

Usage: webkit_host.py PROFILE [RATIO], with WEBKIT_INSPECTOR_SERVER=127.0.0.1:PORT in the environment, and `WebKitWebDriver
--target=127.0.0.1:PORT` beside it. RATIO is the share of the disk that one origin may take. It prints `ready` when it can be driven.
"""

import signal
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402


def main(profile, ratio=None):
    directories = {"base_data_directory": profile + "/data", "base_cache_directory": profile + "/cache"}
    limits = {"origin_storage_ratio": float(ratio), "total_storage_ratio": float(ratio)} if ratio else {}
    manager = WebKit2.WebsiteDataManager(**directories, **limits)
    context = WebKit2.WebContext(website_data_manager=manager)
    context.set_automation_allowed(True)

    def create_view(_session):
        window = Gtk.Window(default_width=800, default_height=600)
        view = WebKit2.WebView(web_context=context, is_controlled_by_automation=True)
        view.connect("close", lambda _view: window.destroy())
        window.add(view)
        window.show_all()
        return view

    def started(_context, session):
        info = WebKit2.ApplicationInfo()
        info.set_name("WebKitGTK")
        info.set_version(WebKit2.get_major_version(), WebKit2.get_minor_version(), WebKit2.get_micro_version())
        session.set_application_info(info)
        session.connect("create-web-view", create_view)

    context.connect("automation-started", started)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, Gtk.main_quit)
    print("ready", flush=True)
    Gtk.main()


main(*sys.argv[1:])

"""A WebKitGTK browser that keeps its profile, for tests that WebKitWebDriver drives.

MiniBrowser, which the driver starts by itself, forgets everything when it is automated. This one keeps what its pages store below a directory
that is given, so that a test can end it, or kill it, and start it again.

Usage: webkit_host.py [--ratio RATIO] [--private] [--denied] PROFILE, with WEBKIT_INSPECTOR_SERVER=127.0.0.1:PORT in the environment, and
`WebKitWebDriver --target=127.0.0.1:PORT` beside it. It prints `ready` when it can be driven.
"""

import argparse
import signal

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402


def main(arguments):
    if arguments.private:
        # As Epiphany has it in its private windows.
        manager = WebKit2.WebsiteDataManager.new_ephemeral()
    else:
        profile, ratio = arguments.profile, arguments.ratio
        directories = {"base_data_directory": profile + "/data", "base_cache_directory": profile + "/cache"}
        limits = {} if ratio is None else {"origin_storage_ratio": ratio, "total_storage_ratio": ratio}
        manager = WebKit2.WebsiteDataManager(**directories, **limits)
    settings = WebKit2.Settings(enable_html5_database=not arguments.denied, enable_html5_local_storage=not arguments.denied)
    context = WebKit2.WebContext(website_data_manager=manager)
    context.set_automation_allowed(True)

    def create_view(_session):
        window = Gtk.Window(default_width=800, default_height=600)
        view = WebKit2.WebView(web_context=context, settings=settings, is_controlled_by_automation=True)
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


parser = argparse.ArgumentParser()
parser.add_argument("profile", help="the directory of what pages store")
parser.add_argument("--ratio", type=float, help="the share of the disk that one origin may take")
parser.add_argument("--private", action="store_true", help="what pages store is kept in memory")
parser.add_argument("--denied", action="store_true", help="pages have neither IndexedDB nor localStorage")
main(parser.parse_args())

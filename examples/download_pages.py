#!/usr/bin/python3
"""download_pages.py PROGRAM - runs PROGRAM with five addresses to download, and serves what is there.

At 127.0.0.1, at a port that is free. The first is slow: it is answered when PROGRAM has printed four lines, one for each
of the others. So one that does not report what is done before all is done waits for ever. The third is not there.
"""
import http.server
import os
import subprocess
import sys
import threading

PAGES = {"/slow": 70000, "/apple": 5000, "/missing": None, "/banana": 10000, "/cherry": 400}
others_reported = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        size = PAGES.get(self.path)
        if self.path == "/slow":
            others_reported.wait()
        if size is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(b"x" * size)

    def log_message(self, *_):
        pass


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    urls = [f"http://127.0.0.1:{server.server_port}{page}" for page in PAGES]
    direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with subprocess.Popen([sys.argv[1], *urls], stdout=subprocess.PIPE, text=True, env=direct) as program:
        for number, line in enumerate(program.stdout, start=1):
            print(line, end="", flush=True)
            if number == len(PAGES) - 1:
                others_reported.set()
sys.exit(program.returncode)

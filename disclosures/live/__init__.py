"""The public sockets: one feed and one reading for a whole web process, each message made once and handed to every socket."""

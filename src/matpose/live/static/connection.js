// The line to the server: it comes back by itself, sooner at first, and says when it is gone.

import { SILENCE_S, secondsSince, stamp } from "./sight.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export class Connection {
  /**
   * @param bed name of the one bed to hear of in full, or null for all of them.
   * @param onMessage called with each parsed message.
   * @param onChange called with "connecting", "open", "lost", "denied" (no token) or "missing" (no such bed).
   */
  constructor(bed, onMessage, onChange) {
    this.bed = bed;
    this.onMessage = onMessage;
    this.onChange = onChange;
    this.link = "connecting";
    this.wait_ms = FIRST_WAIT_MS;
    this.heard = stamp();
    this.open();
  }

  open() {
    clearTimeout(this.retry);
    const address = new URL("v1/live", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    address.hash = "";
    address.search = this.bed === null ? "" : new URLSearchParams({ bed: this.bed }).toString();
    this.heard = stamp();
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.onopen = () => socket === this.socket && this.change("open");
    socket.onmessage = ({ data }) => socket === this.socket && this.hear(data);
    socket.onclose = () => socket === this.socket && this.lose();
  }

  hear(data) {
    this.heard = stamp();
    this.wait_ms = FIRST_WAIT_MS;
    this.change("open");
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return; // half a message is none
    }
    this.onMessage(message);
  }

  lose() {
    this.socket = null;
    if (this.link !== "denied" && this.link !== "missing") this.change("lost");
    this.retry = setTimeout(() => this.open(), this.wait_ms * (0.75 + Math.random() / 2));
    this.wait_ms = Math.min(this.wait_ms * 2, LONGEST_WAIT_MS);
    this.askWhy();
  }

  /** A browser does not say why a socket was refused; an ordinary request does. */
  async askWhy() {
    const address = this.bed === null ? "v1/beds" : `v1/beds/${encodeURIComponent(this.bed)}`;
    let link = "lost";
    try {
      const { status, body } = await fetch(address, { signal: AbortSignal.timeout(3000) });
      body?.cancel().catch(() => {});
      link = { 401: "denied", 403: "denied", 404: "missing" }[status] ?? "lost";
    } catch { /* the server is away */ }
    if (this.socket === null) this.change(link);
  }

  /** Once a second: a line that carries nothing may be dead without having been closed. */
  check() {
    if (!this.socket || secondsSince(this.heard) <= 2 * SILENCE_S) return;
    const silent = this.socket;
    const opened = silent.readyState === WebSocket.OPEN;
    this.socket = null;
    silent.close();
    if (!opened) this.lose();
    else this.open(); // a ward without beds is silent too: no alarm unless the new line fails
  }

  /** The network or the reader is back: do not wait. */
  hurry() {
    if (this.socket !== null || this.closed) return;
    this.wait_ms = FIRST_WAIT_MS;
    this.open();
  }

  close() {
    this.closed = true;
    clearTimeout(this.retry);
    const socket = this.socket;
    this.socket = undefined; // neither open nor waiting
    socket?.close();
  }

  change(link) {
    if (this.link === link || this.closed) return;
    this.link = link;
    this.onChange(link);
  }
}

// The stream of news. It comes back by itself: the browser retries what it can, we open again what it gave up.

const RETRY_MS = 2000;

/**
 * Listen to the stream; the returned function ends that.
 * @param {URLSearchParams} query which events
 * @param handlers snapshot(events), events(events), thumbnails(thumbnails), state("live" | "lost", message)
 */
export function listen(query, handlers) {
  let source = null;
  let timer = null;
  let live = false;

  function open() {
    source = new EventSource(`/api/stream?${query}`);
    source.addEventListener("error", () => {
      lost();
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
    });
    source.addEventListener("trouble", (message) => {
      source.close();
      lost(JSON.parse(message.data).message);
      timer = setTimeout(open, RETRY_MS);
    });
    on("snapshot", (page) => handlers.snapshot(page.events));
    on("events", (page) => handlers.events(page.events));
    on("thumbnails", (page) => handlers.thumbnails(page.thumbnails));
  }

  /** The first message, not the open connection, shows that the store answers. */
  function on(type, tell) {
    source.addEventListener(type, (message) => {
      tell(JSON.parse(message.data));
      if (live) return;
      live = true;
      handlers.state("live");
    });
  }

  function lost(message) {
    live = false;
    handlers.state("lost", message);
  }

  function stop() {
    clearTimeout(timer);
    source.close();
  }

  open();
  return stop;
}

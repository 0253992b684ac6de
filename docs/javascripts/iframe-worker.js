// A browser lets no page that was opened from disk start a worker. There, the search runs in a hidden
// frame of the page instead. Material would load a script for that from elsewhere.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const scope = frame.contentWindow;
      // Firefox puts another document in the place of one that nobody has opened.
      scope.document.open();
      scope.document.write("<!doctype html><body></body>");
      scope.document.close();
      scope.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.scope = scope;
      this.ready = new Promise((resolve, reject) => {
        const script = scope.document.createElement("script");
        script.src = new URL(address, location.href).href;
        script.onload = resolve;
        script.onerror = () => reject(new Error(`no script at ${script.src}`));
        scope.document.body.append(script);
      });
    }

    postMessage(data) {
      this.ready.then(() => this.scope.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.scope.frameElement.remove();
    }
  };
}

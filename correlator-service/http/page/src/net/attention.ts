// Whether anybody looks. A page that has been hidden for a while lets go of its connections: a
// browser has few for one server, and the server few for all its readers. Once it is seen again it
// goes on where it stopped.

export const HIDDEN_MAX = 60_000;

export class Attention {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private resting = false;

  constructor(private readonly rest: () => void, private readonly wake: () => void) {}

  // Begins to watch, for as long as the page lives.
  watch(): void {
    document.addEventListener("visibilitychange", () => this.changed());
    this.changed();
  }

  private changed(): void {
    clearTimeout(this.timer);
    if (document.hidden) {
      this.timer = setTimeout(() => {
        this.resting = true;
        this.rest();
      }, HIDDEN_MAX);
    } else if (this.resting) {
      this.resting = false;
      this.wake();
    }
  }
}

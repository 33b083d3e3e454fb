// What is asked for again and again.

export class Poll {
  private abort: AbortController | undefined;
  private running = false;
  private askedAt = -Infinity;

  // ask: settles once it is answered or has failed; the signal says that its answer is wanted no more.
  constructor(private readonly interval: number,
              private readonly ask: (signal: AbortSignal) => Promise<unknown>) {}

  // Asks now, in place of what was asked before. `now` is performance.now().
  start(now: number): void {
    this.stop();
    const abort = new AbortController();
    this.abort = abort;
    this.running = true;
    this.askedAt = now;
    const over = () => {
      if (this.abort === abort) this.running = false;
    };
    void this.ask(abort.signal).then(over, over);
  }

  // Asks when the interval is over, and never while it waits: answers that take longer would not come.
  tick(now: number, interval = this.interval): void {
    if (!this.running && now - this.askedAt > interval) this.start(now);
  }

  // Wants no answer any more.
  stop(): void {
    this.abort?.abort();
    this.running = false;
  }
}

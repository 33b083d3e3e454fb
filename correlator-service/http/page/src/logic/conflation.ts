// Work in small portions: what waits is taken until the time for it is over, and the view is drawn
// at most every so often, however much came.

export class Conflation {
  private drawnAt = -Infinity;
  private wanted = false;

  // At most one drawing every `interval` milliseconds.
  constructor(private readonly interval: number) {}

  // Something changed.
  want(): void {
    this.wanted = true;
  }

  get pending(): boolean {
    return this.wanted;
  }

  // Whether to draw now. When it says yes, that is the drawing.
  due(now: number): boolean {
    if (!this.wanted || now - this.drawnAt < this.interval) return false;
    this.wanted = false;
    this.drawnAt = now;
    return true;
  }
}

// Messages that wait to be taken. Bounded by what its reader does: it stops at `full`.
export class Backlog<T> {
  private items: {item: T; size: number}[] = [];
  private head = 0;
  private size = 0;

  constructor(private readonly sizeMax: number) {}

  push(item: T, size: number): void {
    this.items.push({item, size});
    this.size += size;
  }

  get length(): number {
    return this.items.length - this.head;
  }

  // No more should be read for now.
  get full(): boolean {
    return this.size >= this.sizeMax;
  }

  clear(): void {
    this.items = [];
    this.head = 0;
    this.size = 0;
  }

  // Gives items to `take` until none is left or `clock` has gone on by `budget` milliseconds; at
  // least one. Returns whether something was taken.
  drain(take: (item: T) => void, budget: number, clock: () => number): boolean {
    const until = clock() + budget;
    const before = this.head;
    while (this.head < this.items.length) {
      const next = this.items[this.head++] as {item: T; size: number};
      this.size -= next.size;
      take(next.item);
      if (clock() >= until) break;
    }
    const taken = this.head > before;
    if (this.head === this.items.length) this.clear();
    else if (this.head > 1024) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return taken;
  }
}

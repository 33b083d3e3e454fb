// What somebody points at is not exchanged under his hand, for as long as he seems to be there: a
// pointer that was left on a wall display holds nothing.

// Without any movement a hold ends after this time.
export const HOLD_MAX = 15_000;

export class Hold {
  private pointer = "";
  private focus = "";
  private movedAt = -Infinity;

  // The pointer is at this place of the screen. Browsers tell of it also when only what lies under it
  // has changed, which is no movement.
  pointed(x: number, y: number, now: number): void {
    const pointer = `${x} ${y}`;
    if (pointer !== this.pointer) this.movedAt = now;
    this.pointer = pointer;
  }

  // A button is pressed: what lies under it has to be there still when it is let go.
  pressed(now: number): void {
    this.movedAt = now;
  }

  // The focus is at this part. That it is put back after a drawing is no movement either.
  focused(part: string, now: number): void {
    if (part !== this.focus) this.movedAt = now;
    this.focus = part;
  }

  // Whether something moved lately.
  holds(now: number): boolean {
    return now - this.movedAt < HOLD_MAX;
  }
}

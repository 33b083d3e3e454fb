// The arithmetic of a list of which only the visible part exists.

export interface VirtualWindow {
  // The rows that are made: [first, first + count).
  first: number;
  count: number;
  // Height of the whole list.
  height: number;
}

// Browsers place nothing beyond some 16 million pixels.
export const HEIGHT_MAX = 15_000_000;

export function virtualWindow(total: number, rowHeight: number, scrollTop: number,
                              viewHeight: number, overscan: number): VirtualWindow {
  const height = Math.min(total * rowHeight, HEIGHT_MAX);
  const wanted = Math.floor(Math.max(0, scrollTop) / rowHeight) - overscan;
  const count = Math.min(total, Math.ceil(viewHeight / rowHeight) + 1 + 2 * overscan);
  const first = Math.max(0, Math.min(wanted, total - count));
  return {first, count, height};
}

// The scroll position at which the row is wholly visible, as near to the present one as can be.
export function scrollToShow(index: number, rowHeight: number, scrollTop: number,
                             viewHeight: number): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + viewHeight) return top + rowHeight - viewHeight;
  return scrollTop;
}

// The position that a key leads to; undefined when the key leads nowhere.
export function moveByKey(key: string, index: number, total: number, pageRows: number):
    number | undefined {
  const limit = (to: number) => Math.max(0, Math.min(total - 1, to));
  switch (key) {
    case "ArrowDown": case "j": return limit(index + 1);
    case "ArrowUp": case "k": return limit(index - 1);
    case "PageDown": return limit(index + pageRows);
    case "PageUp": return limit(index - pageRows);
    case "Home": return limit(0);
    case "End": return limit(total - 1);
    default: return undefined;
  }
}

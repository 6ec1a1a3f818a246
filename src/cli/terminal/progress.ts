/** Shows how far something is: one line that is rewritten on a terminal, a plain line per step elsewhere. */
export interface Progress {
  /** A step that stays on the screen. */
  step(text: string): void;
  /** How far the present step is; on a terminal only. */
  update(text: string): void;
  /** Removes the moving line. */
  end(): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_TIME = 80;

/** Makes a {@link Progress} on a stream. */
export function progressOn(stream: NodeJS.WriteStream | NodeJS.WritableStream): Progress {
  if (!("isTTY" in stream) || !stream.isTTY) {
    return { step: (text) => void stream.write(`${text}\n`), update: () => {}, end: () => {} };
  }
  let frame = 0;
  let shown = 0;
  const clear = (): void => {
    stream.write("\r\u001b[2K");
    shown = 0;
  };
  return {
    step(text) {
      clear();
      stream.write(`${text}\n`);
    },
    update(text) {
      const now = performance.now();
      if (now - shown < FRAME_TIME) return;
      frame = (frame + 1) % FRAMES.length;
      stream.write(`\r\u001b[2K${FRAMES[frame]} ${text}`);
      shown = now;
    },
    end: clear,
  };
}

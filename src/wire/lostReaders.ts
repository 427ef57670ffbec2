/**
 * A failed write of a text for people must not end the work that the text is about. A reader may go away (EPIPE), a
 * terminal may close (EIO), the disk of a log may be full (ENOSPC). Pipes and terminals say so as an event, files by
 * throwing.
 */

/** From now on errors of the stream go to `onError`, and do not end the process. */
export function outliveReader(
  stream: NodeJS.WritableStream,
  onError: (error: NodeJS.ErrnoException) => void = ignored,
): void {
  stream.on('error', onError)
}

/** Writes, or hands what the write throws to the stream's listeners of errors. */
export function write(stream: NodeJS.WritableStream, text: string): void {
  try {
    stream.write(text)
  } catch (error) {
    stream.emit('error', error)
  }
}

/** Nobody is there to be told. */
function ignored(): void {}

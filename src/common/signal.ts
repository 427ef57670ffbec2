/** A typed event: listeners are called in the order they came. A listener that throws does not stop the others. */
export class Signal<T> {
  private readonly listeners = new Set<(value: T) => void>()

  /** Listens until the returned function is called. */
  on(listener: (value: T) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  emit(value: T): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(value)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  /** Resolves with the next value; rejects with the signal's reason when aborted first. */
  next(signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        stop()
        reject(signal?.reason)
      }
      const stop = this.on(value => {
        stop()
        signal?.removeEventListener('abort', abort)
        resolve(value)
      })
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })
  }
}

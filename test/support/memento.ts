/** The storage that outlives a window, as VS Code has it: values are kept as JSON. */
export function memento() {
  const kept = new Map<string, unknown>()
  const memory = {
    keys: () => [...kept.keys()],
    get: (key: string) => kept.get(key) as undefined,
    update: async (key: string, value: unknown) => {
      kept.set(key, JSON.parse(JSON.stringify(value)))
    },
  }
  return { kept, memory }
}

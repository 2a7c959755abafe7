/** Arguments of the programs that play histories until time is up, or until so many were played. */
import { parseArgs } from "node:util"

export interface Arguments {
  readonly minutes: number
  readonly count: number
  /** The first seed; a random one where none is given. */
  readonly first: number
  /** Whether a flag of this name was given. */
  readonly has: (flag: string) => boolean
}

/** Ends the program where they are wrong. @param flags What the program understands beyond them, with what it does. */
export const read = (program: string, flags: Readonly<Record<string, string>> = {}): Arguments => {
  const names = Object.keys(flags)
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string" },
      count: { type: "string", default: "Infinity" },
      ...Object.fromEntries(names.map((name) => [name, { type: "boolean" as const }]))
    }
  })
  const minutes = Number(values.minutes)
  const count = Number(values.count)
  const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
  if (!(minutes > 0) || !(count > 0) || !Number.isSafeInteger(first)) {
    const more = names.map((name) => ` [--${name}: ${flags[name]}]`).join("")
    console.error(`usage: ${program} [--minutes N] [--seed N] [--count N]${more}`)
    process.exit(2)
  }
  const given = new Set(Object.keys(values))
  return { minutes, count, first, has: (flag) => given.has(flag) }
}

/** Metrics as text that Prometheus reads, and what a file of them holds from earlier runs. */

interface Family {
  readonly help: string
  readonly type: string
  /** By name and labels: `callstream_requests_total{reason="Success"}`. */
  readonly series: ReadonlyMap<string, number>
}

export type Exposition = ReadonlyMap<string, Family>

const line = /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)$/
const about = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*)(?: (.*))?$/

const numberOf = (text: string): number => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text))

/** The buckets, sum and count of a histogram belong to the family that is named without these endings. */
const familyOf = (name: string, known: ReadonlyMap<string, unknown>): string => {
  const base = name.replace(/_(bucket|sum|count)$/, "")
  return known.has(name) ? name : known.has(base) ? base : name
}

/** Lines that are none are left out. `labels` go to each series that lacks them. */
export const parse = (text: string, labels: Readonly<Record<string, string>> = {}): Exposition => {
  const families = new Map<string, { help: string; type: string; series: Map<string, number> }>()
  const familyNamed = (name: string) => {
    const known = families.get(name)
    if (known !== undefined) return known
    const made = { help: "", type: "untyped", series: new Map<string, number>() }
    families.set(name, made)
    return made
  }
  for (const row of text.split("\n")) {
    const meta = about.exec(row)
    if (meta !== null) {
      const [, what, name = "", rest = ""] = meta
      if (what === "HELP") familyNamed(name).help = rest
      else familyNamed(name).type = rest
      continue
    }
    const [, name, own = "", value = ""] = line.exec(row) ?? []
    if (name === undefined) continue
    const added = Object.entries(labels)
      .filter(([label]) => !new RegExp(`(?:^|,)${label}="`).test(own))
      .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    const all = [...added, ...(own === "" ? [] : [own])].join(",")
    familyNamed(familyOf(name, families)).series.set(all === "" ? name : `${name}{${all}}`, numberOf(value))
  }
  return families
}

/** Of a counter the sum, because each run counts from 0; of all else what is new. Nothing that was there is lost. */
export const after = (before: Exposition, now: Exposition): Exposition => {
  const names = [...new Set([...before.keys(), ...now.keys()])].sort()
  return new Map(
    names.flatMap((name) => {
      const family = now.get(name) ?? before.get(name)
      if (family === undefined) return []
      const adds = family.type === "counter" || family.type === "histogram"
      const series = new Map(before.get(name)?.series)
      for (const [key, value] of now.get(name)?.series ?? [])
        series.set(key, value + (adds ? (series.get(key) ?? 0) : 0))
      return [[name, { ...family, series }] as const]
    })
  )
}

const textOf = (value: number): string => (value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value))

export const format = (families: Exposition): string =>
  [...families]
    .flatMap(([name, { help, series, type }]) => [
      ...(help === "" ? [] : [`# HELP ${name} ${help}`]),
      `# TYPE ${name} ${type}`,
      ...[...series].map(([key, value]) => `${key} ${textOf(value)}`)
    ])
    .map((row) => `${row}\n`)
    .join("")

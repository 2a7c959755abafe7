/** The licenses of what a bundle contains, for the bundlers of packages that ship others' code. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"

/** The package that a bundled module comes from: the nearest folder above it that has a named package.json. */
const packageOf = (file: string) => {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, "package.json")
    if (!existsSync(path)) continue
    const manifest: { name?: string; version?: string; license?: string } = JSON.parse(readFileSync(path, "utf8"))
    if (manifest.name !== undefined && manifest.version !== undefined) return { folder, ...manifest }
  }
  throw new Error(`No package.json above ${file}`)
}

interface Chunk {
  readonly type: string
  readonly moduleIds?: ReadonlyArray<string>
}

/** The text of the file that goes along with the bundle: name, version and license of each package, by name. */
export const licenses = (bundle: Readonly<Record<string, Chunk>>): string => {
  const texts = new Map<string, string>()
  for (const { moduleIds = [] } of Object.values(bundle)) {
    for (const id of moduleIds) {
      // What a plugin of ours wrote is nobody else's.
      if (id.startsWith("\0") || !id.includes("node_modules")) continue
      const { folder, name, version, license } = packageOf(id)
      const title = `${name} ${version} (${license ?? "license not stated"})`
      if (texts.has(title)) continue
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
      texts.set(title, file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim())
    }
  }
  const parts = [...texts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([title, text]) => `${title}\n\n${text}\n`)
  return parts.join(`\n${"-".repeat(80)}\n\n`)
}

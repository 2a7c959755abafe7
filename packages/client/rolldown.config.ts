import { readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { defineConfig, type Plugin } from "rolldown"
import { licenses } from "../../scripts/third-party.ts"

/**
 * What is published has no dependency: core, and the effect that it needs, are in the bundles. The declarations are those that
 * the compiler wrote of hand-written interfaces.
 */
const entries = ["index", "testing", "bridge"]
const dist = join(import.meta.dirname, "dist")

/** It runs wherever there is a `fetch`. */
const portable = (): Plugin => ({
  name: "callstream:portable",
  resolveId: (id, importer) => {
    if (isBuiltin(id)) throw new Error(`${importer} imports ${id}: the client runs without Node`)
    return undefined
  }
})

/** The declarations that an entry leads to, by name. */
const declarations = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const visit = (name: string): void => {
    if (found.has(name)) return
    const text = readFileSync(join(dist, `${name}.d.ts`), "utf8")
    found.set(name, text)
    for (const [, path = ""] of text.matchAll(/(?:from |import\()"([^"]+)"/g)) {
      const [, own] = /^\.\/(\w+)\.ts$/.exec(path) ?? []
      if (own === undefined)
        throw new Error(`${name}.d.ts imports ${path}: declarations name nothing that is not published`)
      visit(own)
    }
  }
  for (const entry of entries) visit(entry)
  return found
}

const shipped = (): Plugin => ({
  name: "callstream:declarations-and-licenses",
  generateBundle(_options, bundle) {
    for (const [name, text] of declarations()) {
      const source = text.replaceAll(/((?:from |import\()"\.\/\w+)\.ts"/g, '$1.cjs"')
      this.emitFile({ type: "asset", fileName: `${name}.d.cts`, source })
    }
    this.emitFile({ type: "asset", fileName: "THIRD_PARTY_LICENSES.txt", source: licenses(bundle) })
  }
})

const kilobytes = (bytes: number): string => `${Math.round(bytes / 1000)} kB`

/** Prints what an import of each entry takes. */
const sizes = (): Plugin => ({
  name: "callstream:sizes",
  writeBundle(_options, bundle) {
    for (const entry of entries) {
      const seen = new Set<string>()
      const visit = (file: string): void => {
        const chunk = bundle[file]
        if (seen.has(file) || chunk?.type !== "chunk") return
        seen.add(file)
        for (const other of chunk.imports) visit(other)
      }
      const file = Object.keys(bundle).find((name) => new RegExp(`^${entry}\\.c?js$`).test(name)) ?? ""
      visit(file)
      const code = [...seen].map((name) => readFileSync(join(dist, name)))
      const all = Buffer.concat(code)
      console.log(
        `${file}: ${kilobytes(all.length)}, ${kilobytes(gzipSync(all).length)} with gzip, in ${seen.size} files`
      )
    }
  }
})

const options = {
  input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
  platform: "neutral"
} as const

export default defineConfig([
  {
    ...options,
    plugins: [portable(), sizes()],
    output: {
      dir: "dist",
      format: "esm",
      minify: true,
      entryFileNames: "[name].js",
      chunkFileNames: "shared-[name].js"
    }
  },
  {
    ...options,
    // A configuration of Effect that nobody reads here.
    transform: { define: { "import.meta": "{}" } },
    plugins: [portable(), shipped(), sizes()],
    output: {
      dir: "dist",
      format: "cjs",
      exports: "named",
      minify: true,
      entryFileNames: "[name].cjs",
      chunkFileNames: "shared-[name].cjs"
    }
  }
])

/** What other packages may import is named one by one, and leads to nothing that is not named. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

interface Manifest {
  readonly exports: Readonly<Record<string, string>>
  readonly publishConfig: {
    readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  }
}

/** The room of the reader, and the simulator, whose options are spread over its internal modules. */
const notYet = /^(stream|testing)\//

describe.each(["core", "node"])("%s", (name) => {
  const folder = resolve(import.meta.dirname, "../..", name)
  const { exports, publishConfig } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  const modules = Object.entries(exports).filter(([, path]) => path.endsWith(".ts"))
  const files = modules.map(([, path]) => path.slice("./src/".length, -".ts".length))

  it("names each public module, without patterns, and each of them is there", () => {
    assert.isAbove(modules.length, 10)
    assert.notInclude(Object.keys(exports).join(" "), "*")
    const found = globSync("**/*.ts", { cwd: join(folder, "src") })
      .map((file) => file.slice(0, -".ts".length))
      .filter((file) => !/(^|\/)internal\//.test(file) && (!file.startsWith("testing/") || file === "testing/index"))
    assert.sameMembers(files, found)
  })

  it("publishes what it has in the workspace", () => {
    const published = Object.entries(exports).map(([path, file]) => {
      const built = file.replace("./src/", "./dist/").replace(/\.ts$/, "")
      return [path, file.endsWith(".ts") ? { types: `${built}.d.ts`, default: `${built}.js` } : file]
    })
    assert.deepStrictEqual(publishConfig.exports, Object.fromEntries(published))
  })

  // `pnpm types` writes them.
  it.skipIf(!existsSync(join(folder, "dist/index.d.ts")))("no published type names a path that is not exported", () => {
    const unexported = files
      .filter((file) => !notYet.test(file))
      .flatMap((file) => {
        const path = join(folder, "dist", `${file}.d.ts`)
        return Array.from(readFileSync(path, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)\.ts"/g), ([, to = ""]) =>
          relative(join(folder, "dist"), resolve(dirname(path), to))
        )
          .filter((to) => !files.includes(to))
          .map((to) => `${file} -> ${to}`)
      })
    assert.deepStrictEqual(unexported, [])
  })
})

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

/** One door for all that tests need: its namespaces are files that have no path of their own. */
const testing = "testing/index"

const namesIn = (text: string, lists: RegExp): ReadonlyArray<string> =>
  Array.from(text.matchAll(lists), ([, list = ""]) => list.replaceAll(/\/\*[\s\S]*?\*\//g, "").split(",")).flatMap(
    (names) => names.map((name) => name.replace("type ", "").trim()).filter((name) => name !== "")
  )

describe.each(["core", "node", "cluster"])("%s", (name) => {
  const folder = resolve(import.meta.dirname, "../..", name)
  const { exports, publishConfig } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  const modules = Object.entries(exports).filter(([, path]) => path.endsWith(".ts"))
  const files = modules.map(([, path]) => path.slice("./src/".length, -".ts".length))

  it("names each public module, without patterns, and each of them is there", () => {
    assert.isAbove(modules.length, 5)
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

  const published = (file: string) => readFileSync(join(folder, "dist", `${file}.d.ts`), "utf8")
  const importsOf = (file: string) =>
    Array.from(published(file).matchAll(/(?:from |import\()"(\.[^"]+)\.ts"/g), ([, to = ""]) =>
      relative(join(folder, "dist"), resolve(join(folder, "dist", dirname(file)), to))
    )

  // `pnpm types` writes them.
  describe.skipIf(!existsSync(join(folder, "dist/index.d.ts")))("types", () => {
    it("no published type names a path that is not exported", () => {
      const unexported = files
        .filter((file) => file !== testing)
        .flatMap((file) =>
          importsOf(file)
            .filter((to) => !files.includes(to))
            .map((to) => `${file} -> ${to}`)
        )
      assert.deepStrictEqual(unexported, [])
    })

    it.skipIf(!files.includes(testing))("the namespaces of the simulator export what they name of other files", () => {
      const spaces = importsOf(testing)
      assert.isAbove(spaces.length, 2)
      const unexported = spaces.flatMap((space) => {
        const text = published(space)
        const used = text.replaceAll(/^.*from "\..*$/gm, "")
        const exported = new Set(namesIn(text, /export (?:type )?\{([^}]*)\} from "\./g))
        const named = namesIn(text, /import (?:type )?\{([^}]*)\} from "\.\/internal/g)
        const spaced = Array.from(text.matchAll(/import \* as (\w+) from "\.\/internal/g), ([, name = ""]) =>
          Array.from(used.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, "g")), ([, member = ""]) => member)
        )
        return [...named, ...spaced.flat()].filter((name) => !exported.has(name)).map((name) => `${space}: ${name}`)
      })
      assert.deepStrictEqual(unexported, [])
    })
  })
})

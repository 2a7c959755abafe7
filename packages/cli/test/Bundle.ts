/** Programs of this workspace as they are published, without their imports: those start three times as fast. */
import { renameSync } from "node:fs"
import { join } from "node:path"
import { build } from "rolldown"

// A test process gets no chance to clear up behind itself, so every run uses the same place.
const home = join(import.meta.dirname, "../node_modules/.cache/callstream-test")

/** For `NODE_COMPILE_CACHE`. */
export const compileCache = join(home, "compile-cache")

let command: Promise<string> | undefined

/** The command, in one file, minified as it is published: V8 reads half as much. */
export const callstream = (): Promise<string> => {
  command ??= (async () => {
    const file = join(home, "main.mjs")
    const made = join(home, `${process.pid}.mjs`)
    const input = join(import.meta.dirname, "../src/bin.ts")
    await build({ input, platform: "node", output: { file: made, format: "esm", codeSplitting: false, minify: true } })
    renameSync(made, file)
    return file
  })()
  return command
}

/** Programs by name, each as `NAME.mjs` in this folder; what they have in common is beside them. */
export const programs = async (input: Readonly<Record<string, string>>, dir: string): Promise<void> => {
  await build({ input: { ...input }, platform: "node", output: { dir, format: "esm", entryFileNames: "[name].mjs" } })
}

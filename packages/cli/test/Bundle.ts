/** Programs of this workspace as they are published, without their imports: those start three times as fast. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { build } from "rolldown"
import * as TestHome from "../../node/test/TestHome.ts"
import { codeSplitting, lean } from "../rolldown.config.ts"
import { youngHeap } from "./YoungHeap.ts"

/** For `NODE_COMPILE_CACHE`. */
export const compileCache = (): string => join(TestHome.path(), "compile-cache")

const make = async (dir: string): Promise<void> => {
  const input = { main: join(import.meta.dirname, "../src/bin.ts"), host: join(import.meta.dirname, "CommandHost.ts") }
  const name = "[name].mjs"
  const output = {
    dir,
    format: "esm",
    minify: true,
    entryFileNames: name,
    chunkFileNames: name,
    codeSplitting
  } as const
  await build({ input, platform: "node", ...lean, output })
  // An export from end to end: the compile cache keeps the functions that its first run used.
  const cwd = mkdtempSync(join(dir, "first-"))
  const env = { PATH: process.env["PATH"], TMPDIR: cwd, NODE_COMPILE_CACHE: compileCache() }
  execFileSync(process.execPath, [...youngHeap, join(dir, "main.mjs"), "demo"], { cwd, env, stdio: "ignore" })
}

/** Calls `work` in the first process that asks, and waits for it in the others. */
const once = async (name: string, work: () => Promise<void>): Promise<void> => {
  const [begun, done] = [join(TestHome.path(), `${name}.begun`), join(TestHome.path(), `${name}.done`)]
  try {
    mkdirSync(begun)
  } catch {
    while (!existsSync(done)) await setTimeout(20)
    return
  }
  try {
    await work()
  } finally {
    writeFileSync(done, "")
  }
}

let made: Promise<string> | undefined

const folder = (): Promise<string> => {
  made ??= (async () => {
    const dir = join(TestHome.path(), "command")
    await once("main", () => make(dir))
    return dir
  })()
  return made
}

/** The command, minified as it is published: V8 reads half as much. */
export const callstream = async (): Promise<string> => join(await folder(), "main.mjs")

/** The program in which commands run one after another. */
export const host = async (): Promise<string> => join(await folder(), "host.mjs")

/** Programs by name, each as `NAME.mjs` in this folder; what they have in common is beside them. */
export const programs = async (input: Readonly<Record<string, string>>, dir: string): Promise<void> => {
  await build({ input: { ...input }, platform: "node", output: { dir, format: "esm", entryFileNames: "[name].mjs" } })
}

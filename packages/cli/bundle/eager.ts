/** Functions that the command calls when it starts are compiled with their modules, so that a compile cache keeps them. */
import { execFile, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import type { Plugin } from "rolldown"
import { parseAst } from "rolldown/parseAst"

/** Functions by their place in a file, as V8 names it: `START-END`. */
type Functions = ReadonlySet<string>

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

/**
 * Where the expressions among these functions begin and end. A method is never one: its place begins with its name, and that
 * of its node behind it.
 */
const expressionsIn = function* (
  value: unknown,
  functions: Functions
): Generator<readonly [at: number, sign: "(" | ")"]> {
  if (Array.isArray(value)) for (const each of value) yield* expressionsIn(each, functions)
  if (!isNode(value)) return
  const isCalled =
    (value.type === "ArrowFunctionExpression" || value.type === "FunctionExpression") &&
    functions.has(`${value.start}-${value.end}`)
  if (isCalled) yield [value.start, "("]
  for (const each of Object.values(value)) yield* expressionsIn(each, functions)
  if (isCalled) yield [value.end, ")"]
}

/** The code with parentheses around these functions, except around declarations and methods. */
export const parenthesized = (code: string, functions: Functions): string => {
  let made = ""
  let last = 0
  for (const [at, sign] of expressionsIn(parseAst(code).body, functions)) {
    made += code.slice(last, at) + sign
    last = at
  }
  return made + code.slice(last)
}

interface Coverage {
  readonly result: ReadonlyArray<{
    readonly url: string
    readonly functions: ReadonlyArray<{
      // The first is the function itself, the others are parts of it.
      readonly ranges: readonly [{ readonly startOffset: number; readonly endOffset: number; readonly count: number }]
    }>
  }>
}

/** Runs a script, and finds which functions of which files it called. The keys are addresses of files. */
export const calledBy = async (command: ReadonlyArray<string>): Promise<ReadonlyMap<string, Functions>> => {
  const folder = mkdtempSync(join(tmpdir(), "callstream-build-"))
  const coverage = join(folder, "coverage")
  // Nothing of the machine's own: no key, no proxy, no state of other runs.
  const env = { HOME: folder, TMPDIR: folder, AGNI_API_KEY: "agni_build_key", NODE_V8_COVERAGE: coverage }
  try {
    await promisify(execFile)(process.execPath, command, { cwd: folder, env, timeout: 120_000 })
    const called = new Map<string, Set<string>>()
    for (const file of readdirSync(coverage)) {
      const { result }: Coverage = JSON.parse(readFileSync(join(coverage, file), "utf8"))
      for (const { functions, url } of result) {
        const places = called.get(url) ?? new Set()
        called.set(url, places)
        for (const { ranges } of functions) {
          const [{ count, endOffset, startOffset }] = ranges
          if (count > 0) places.add(`${startOffset}-${endOffset}`)
        }
      }
    }
    return called
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * An export of 20 calls has hardly a function less than one of thousands. Two runs of it differ in one or two of 3,400
 * functions, as a timer of undici that fires only in a slow run. That changes no behaviour.
 */
const calledByExport = async (script: string) => {
  const endpoint = join(import.meta.dirname, "../bench/quiet.ts")
  const server = spawn(process.execPath, [endpoint, "20", "0"], { env: {}, stdio: ["ignore", "pipe", "inherit"] })
  try {
    for await (const url of createInterface({ input: server.stdout })) {
      return await calledBy([script, "export", "--base-url", url, "--to", "calls.ndjson", "--quiet"])
    }
    throw new Error(`${endpoint} did not start`)
  } finally {
    server.kill()
  }
}

/**
 * V8 compiles a function in parentheses with its module, and others when they are first called. The compile cache keeps only
 * the first. So what an export calls is put in parentheses: a command starts in five sixths of the processor time and takes
 * 1 MB more. With all functions in parentheses it would take 11 MB more, and start no sooner.
 */
export const eager = (): Plugin => ({
  name: "callstream:eager",
  async writeBundle({ dir = "." }, bundle) {
    // As Node names the files.
    const folder = realpathSync(dir)
    const main = join(folder, "main.mjs")
    const called = await calledByExport(main)
    if (!called.has(pathToFileURL(main).href)) throw new Error(`no function of ${main} was called`)
    for (const { fileName, type } of Object.values(bundle)) {
      const file = join(folder, fileName)
      const functions = called.get(pathToFileURL(file).href)
      if (type === "chunk" && functions !== undefined) {
        writeFileSync(file, parenthesized(readFileSync(file, "utf8"), functions))
      }
    }
  }
})

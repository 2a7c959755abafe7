/** Programs of this workspace as child processes. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { compileCache } from "../../packages/cli/test/Bundle.ts"
import { youngHeap } from "../../packages/cli/test/YoungHeap.ts"

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Options {
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** The environment without a key, so that no test reads somebody's real calls. */
const environment = (more: Readonly<Record<string, string>> = {}) => ({
  ...process.env,
  AGNI_API_KEY: undefined,
  AGNI_BASE_URL: undefined,
  NO_COLOR: "1",
  // Nearly all of these programs' time is loading Effect.
  NODE_COMPILE_CACHE: compileCache(),
  ...more
})

/** Runs a command to its end. */
export const run = async (command: string, args: ReadonlyArray<string>, options: Options = {}): Promise<Ran> => {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: environment(options.env),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 180_000,
    killSignal: "SIGKILL"
  })
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  await once(child, "close")
  return { code: child.exitCode, stdout, stderr }
}

/** Runs a program of Node to its end. */
export const runNode = (args: ReadonlyArray<string>, options?: Options): Promise<Ran> =>
  run(process.execPath, [...youngHeap, ...args], options)

/** Runs one of the examples to its end. */
export const example = (name: string, ...args: ReadonlyArray<string>): Promise<Ran> =>
  runNode([fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url)), ...args])

/** Agni when AGNI_API_KEY is set, otherwise `callstream simulate` as a process of its own, which ends with the scope. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

export interface Connection extends AsyncDisposable {
  readonly apiKey: string
  readonly baseUrl?: string | undefined
}

export const connect = async (): Promise<Connection> => {
  const { AGNI_API_KEY: apiKey, AGNI_BASE_URL: baseUrl } = process.env
  if (apiKey !== undefined) return { apiKey, baseUrl, [Symbol.asyncDispose]: async () => {} }

  const callstream = fileURLToPath(new URL("../../packages/cli/src/bin.ts", import.meta.url))
  const simulator = spawn(process.execPath, [callstream, "simulate", "--port", "0"], {
    stdio: ["ignore", "pipe", "ignore"]
  })
  const exited = once(simulator, "exit")
  // Its first line is its address.
  for await (const line of createInterface({ input: simulator.stdout })) {
    return {
      apiKey: "agni_test_key",
      baseUrl: line,
      [Symbol.asyncDispose]: async () => {
        simulator.kill("SIGINT")
        await exited
      }
    }
  }
  throw new Error("the simulator did not start")
}

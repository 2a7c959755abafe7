/**
 * Which hosts are this machine itself.
 *
 * @since 0.1.0
 */

const loopback = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * Whether a URL's host name is a loopback one: plain http to it leaves the machine as little as a file does, and no proxy
 * is in between.
 *
 * @since 0.1.0
 * @category reading
 */
export const isLoopback = (hostname: string): boolean => loopback.test(hostname)

// Unary calls of the correlator, in the Connect protocol's JSON form.

import {type ErrorJson, errorReason} from "../logic/api";

const SERVICE = "/alertjoin.v1.CorrelatorService/";
const TIMEOUT_MS = 15_000;

export class CallError extends Error {
  constructor(readonly code: string, readonly reason: string, message: string) {
    super(message);
  }
}

// What a response that is no success says.
export async function responseError(response: Response): Promise<CallError> {
  const text = await response.text().catch(() => "");
  try {
    const error = JSON.parse(text) as ErrorJson;
    if (error.code) return new CallError(error.code, errorReason(error), error.message || error.code);
  } catch {
    // Not of the correlator itself.
  }
  // Something that stands before it, which may answer anything while the correlator is exchanged.
  return new CallError("unavailable", "", `the server answered ${response.status}`);
}

// Calls a method. Throws CallError; when `signal` aborts, the signal's own error.
export async function call<T>(method: string, request: object, signal?: AbortSignal): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(SERVICE + method, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "Connect-Protocol-Version": "1",
        "Connect-Timeout-Ms": String(TIMEOUT_MS),
      },
      body: JSON.stringify(request),
      signal: signal ? anySignal(signal, timeout) : timeout,
      cache: "no-store",
    });
    if (response.ok) return (await response.json()) as T;
  } catch (error) {
    if (signal?.aborted) throw error;
    if (timeout.aborted) throw new CallError("deadline_exceeded", "", "no answer within 15 s");
    throw new CallError("unavailable", "", "the correlator cannot be reached");
  }
  throw await responseError(response);
}

function anySignal(a: AbortSignal, b: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  a.addEventListener("abort", abort, {once: true});
  b.addEventListener("abort", abort, {once: true});
  if (a.aborted || b.aborted) abort();
  return controller.signal;
}

import { type ReactNode, useEffect, useState } from "react";
import { signIn } from "../api/api.ts";
import { ErrorNote } from "../components/notes.tsx";
import { go } from "../hooks/use-route.ts";

/** Takes the token out of the address, where it would stay in the history, and signs in with it. */
export function SignInPage(): ReactNode {
  const [error, setError] = useState<Error>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    const token = window.location.hash.slice(1);
    if (token === "" || !window.location.pathname.endsWith("/sign-in")) return;
    history.replaceState(null, "", window.location.pathname);
    setBusy(true);
    signIn(token).then(
      () => go("/", true),
      (failure: Error) => {
        setBusy(false);
        setError(failure);
      },
    );
  }, []);
  return (
    <main className="sign-in">
      <h1>Sandglass</h1>
      {isBusy ? (
        <p role="status">Signing in…</p>
      ) : (
        <>
          <ErrorNote error={error} />
          <p>To sign in, run this where the daemon runs, and open the link that it prints:</p>
          <pre>sandglass console</pre>
          <p className="quiet">
            The link works once, for a minute. You act with the rights of the key that made it.
          </p>
        </>
      )}
    </main>
  );
}

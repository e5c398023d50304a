// A page whose modules could not be loaded shows nothing and would for ever: load it anew, once a minute, until it could.
// A classic script that needs no other. Not while the server is away, or the browser would show a page of its own.
const looking = setInterval(async () => {
  if (document.body.dataset.ready !== undefined) {
    clearInterval(looking);
    return;
  }
  const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
}, 60000);

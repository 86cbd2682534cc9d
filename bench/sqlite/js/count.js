// Says of each flush that it is made, on a channel of that name, in whatever worker this runs first.
{
  const { prototype } = FileSystemSyncAccessHandle;
  const { flush } = prototype;
  const channel = new BroadcastChannel("flushes");
  prototype.flush = function () {
    channel.postMessage(1);
    return flush.call(this);
  };
}

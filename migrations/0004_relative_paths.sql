-- Files of the data folder are kept relative to it, so that the folder can be moved. Up to here they were absolute, and
-- all lay in media/. The inner replace and rtrim leave the folder of a path, which the outer replace takes away.

UPDATE files SET path = 'media/' || replace(replace(path, '\', '/'),
  rtrim(replace(path, '\', '/'), replace(replace(path, '\', '/'), '/', '')), '')
WHERE owned = 1;

UPDATE jobs SET request_json = json_set(request_json, '$.path', 'media/' || replace(
  replace(json_extract(request_json, '$.path'), '\', '/'),
  rtrim(replace(json_extract(request_json, '$.path'), '\', '/'),
    replace(replace(json_extract(request_json, '$.path'), '\', '/'), '/', '')), ''))
WHERE json_extract(request_json, '$.type') = 'upload';
